// keepalive-client makes several HTTP requests on one connection and then
// upgrades that connection to a WebSocket.
//
//	node keepalive-client.js HOST PORT
'use strict';

const crypto = require('node:crypto');
const http = require('node:http');

const [host, port] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function request(method, path, headers = {}) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host, port, method, path, headers, agent }, (res) => {
      res.resume();
      res.on('end', () => { console.log(method, path, res.statusCode); resolve(res); });
    });
    req.on('error', reject);
    req.end();
  });
}

function maskedText(text) {
  const mask = crypto.randomBytes(4);
  const body = Buffer.from(text).map((b, i) => b ^ mask[i & 3]);
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length]), mask, body]);
}

function upgrade(path) {
  const req = http.request({
    host, port, path, agent,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': crypto.randomBytes(16).toString('base64'),
    },
  });
  req.on('upgrade', (res, socket) => {
    console.log('upgrade', res.statusCode, 'reused', req.reusedSocket);
    socket.write(maskedText('on a used connection'));
    socket.once('data', () => {
      socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8])); // close 1000
      socket.once('data', () => socket.end());
    });
  });
  req.end();
}

(async () => {
  const res = await request('GET', '/page');
  await request('HEAD', '/page');
  await request('GET', '/page', { 'If-None-Match': res.headers.etag });
  await request('GET', '/chunked');
  await request('POST', '/missing', { 'Content-Type': 'text/plain', 'Content-Length': 0 });
  await request('GET', '/page');
  upgrade('/ws');
})();
