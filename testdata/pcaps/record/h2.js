// h2 speaks WebSocket over HTTP/2 as RFC 8441 has it, and answers a page that
// opens one.
//
//	node h2.js serve PORT [CERT KEY]     with TLS, or h2c by prior knowledge
//	node h2.js connect URL               seven messages, one every two seconds
'use strict';

const fs = require('node:fs');
const http2 = require('node:http2');
const { randomBytes } = require('node:crypto');

const settings = { enableConnectProtocol: true };

const page = `<!doctype html>
<script>
const ws = new WebSocket('wss://' + location.host + '/ws');
let n = 0;
const send = () => ws.send('message ' + ++n);
ws.onopen = () => { console.log('open'); send(); };
ws.onmessage = () => { if (n < 6) setTimeout(send, 2200); else ws.close(1000, 'done'); };
ws.onclose = (e) => console.log('close ' + e.code);
</script>
`;

// Frames are short here: RFC 6455, Section 5.2, lengths below 126.
function frame(opcode, payload, mask) {
  const head = Buffer.from([0x80 | opcode, payload.length | (mask ? 0x80 : 0)]);
  return mask ? Buffer.concat([head, mask, payload.map((b, i) => b ^ mask[i & 3])]) : Buffer.concat([head, payload]);
}

// frames calls take with opcode and payload of each frame that comes.
function frames(stream, take) {
  let rest = Buffer.alloc(0);
  stream.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 2) {
      const masked = rest[1] & 0x80;
      const start = masked ? 6 : 2;
      const end = start + (rest[1] & 0x7f);
      if (rest.length < end) return;
      const mask = rest.subarray(2, start);
      take(rest[0] & 0x0f, rest.subarray(start, end).map((b, i) => (masked ? b ^ mask[i & 3] : b)));
      rest = rest.subarray(end);
    }
  });
}

function serve(port, cert, key) {
  const server = cert
    ? http2.createSecureServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key), settings })
    : http2.createServer({ settings });
  server.on('stream', (stream, headers) => {
    stream.on('error', (err) => console.log('error', err.message));
    if (headers[':protocol'] !== 'websocket') {
      stream.respond({ ':status': headers[':path'] === '/' ? 200 : 404, 'content-type': 'text/html' });
      stream.end(page);
    } else if (headers[':path'] !== '/ws') {
      stream.respond({ ':status': 403 }, { endStream: true });
    } else {
      stream.respond({ ':status': 200 });
      frames(stream, (opcode, payload) => {
        stream.write(frame(opcode, payload));
        if (opcode === 8) stream.end();
      });
    }
  });
  server.listen(Number(port));
}

function connect(url) {
  const { origin, pathname, host } = new URL(url);
  const session = http2.connect(origin);
  session.on('error', (err) => console.log('error', err.message));
  session.on('remoteSettings', () => {
    const stream = session.request({
      ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': pathname, ':authority': host,
      'sec-websocket-version': '13',
    });
    const say = (opcode, text) => stream.write(frame(opcode, Buffer.from(text, 'latin1'), randomBytes(4)));
    let n = 0;
    stream.on('response', (headers) => {
      console.log('status', headers[':status']);
      if (headers[':status'] !== 200) session.close();
      else say(1, `message ${++n}`);
    });
    frames(stream, (opcode) => {
      if (opcode === 8) session.close();
      else if (n < 7) setTimeout(() => say(1, `message ${++n}`), 2000);
      else say(8, '\x03\xe8');
    });
    stream.on('close', () => console.log('close'));
  });
}

const [what, ...rest] = process.argv.slice(2);
({ serve, connect })[what](...rest);
