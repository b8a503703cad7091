module github.com/wssniff/wssniff

go 1.26
