// ws-server is the WebSocket and HTTP server of the recorded captures.
// It echoes messages and answers a few plain HTTP paths.
//
//	node ws-server.js [--port N] [--host ADDR] [--path /ws] [--origin URL]
//	    [--subprotocol NAME] [--deflate] [--ping-ms N] [--greet] [--bare]
//	    [--log] [--cert FILE --key FILE]
//
// With --bare there are no pages: plain requests get the answer of the library.
// With --log a line tells the URL of each WebSocket. With a certificate and its
// key it speaks TLS.
'use strict';

const { parseArgs } = require('node:util');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { WebSocketServer } = require('ws');

const { values: opt } = parseArgs({
  options: {
    port: { type: 'string', default: '80' },
    host: { type: 'string', default: '::' },
    path: { type: 'string' },
    origin: { type: 'string' },
    subprotocol: { type: 'string' },
    deflate: { type: 'boolean', default: false },
    'ping-ms': { type: 'string', default: '0' },
    greet: { type: 'boolean', default: false },
    bare: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    cert: { type: 'string' },
    key: { type: 'string' },
  },
});

const etag = '"5e1f-page"';
const page = `<!doctype html>
<title>echo</title>
<p id="log"></p>
<script>
const log = (s) => { document.getElementById('log').textContent += s + ';'; };
const ws = new WebSocket('ws://' + location.host + '/ws', ['chat']);
let seen = 0;
ws.onopen = () => { log('open ' + ws.protocol); ws.send('hello from the page'); };
ws.onmessage = (e) => {
  log('message ' + e.data);
  if (++seen === 3) ws.close(1000, 'done');
  else ws.send('message ' + seen);
};
ws.onclose = (e) => log('close ' + e.code);
</script>
<img src="/after-close.svg" alt="">
`;

// waiting holds the answers to /after-close.svg, given once a WebSocket has
// closed, so that a page does not finish loading before that.
let waiting = [];

function answer(req, res) {
  if (req.url === '/chunked') {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write('first part\n');
    setTimeout(() => { res.write('HTTP/1.1 101 is only text here\n'); res.end('last part\n'); }, 20);
  } else if (req.url === '/after-close.svg') {
    waiting.push(res);
  } else if (req.url === '/' || req.url === '/page') {
    if (req.headers['if-none-match'] === etag) {
      res.writeHead(304, { ETag: etag }).end();
      return;
    }
    res.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': Buffer.byteLength(page), ETag: etag });
    res.end(req.method === 'HEAD' ? undefined : page);
  } else {
    res.writeHead(404, { 'Content-Type': 'text/plain' }).end('no such page\n');
  }
}

const server = opt.cert
  ? https.createServer({ cert: fs.readFileSync(opt.cert), key: fs.readFileSync(opt.key) }, answer)
  : http.createServer(answer);

const port = Number(opt.port);
const wss = new WebSocketServer({
  ...(opt.bare ? { port, host: opt.host } : { server }),
  path: opt.path,
  perMessageDeflate: opt.deflate ? { threshold: 0 } : false,
  handleProtocols: (offered) => (opt.subprotocol && offered.has(opt.subprotocol) ? opt.subprotocol : false),
  verifyClient: opt.origin
    ? (info, done) => done(info.origin === opt.origin, 403, 'Forbidden')
    : undefined,
});

wss.on('connection', (ws, req) => {
  if (opt.log) console.log(`hop http://${req.headers.host}${req.url} 101`);
  if (opt.greet) ws.send('welcome');
  const every = Number(opt['ping-ms']);
  const timer = every > 0 ? setInterval(() => ws.ping('are you there'), every) : undefined;
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
  ws.on('error', (err) => console.log('error', err.message));
  ws.on('close', (code) => {
    clearInterval(timer);
    console.log('close', code);
    for (const res of waiting) {
      res.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end('<svg xmlns="http://www.w3.org/2000/svg"/>');
    }
    waiting = [];
  });
});

if (!opt.bare) server.listen(port, opt.host);
