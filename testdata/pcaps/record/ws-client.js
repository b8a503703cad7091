// ws-client opens one WebSocket, exchanges messages and closes it, printing
// one line for each event.
//
//	node ws-client.js URL [--subprotocol NAME]... [--deflate] [--origin URL]
//	    [--messages N] [--size BYTES] [--ping] [--hold-ms N] [--proxy URL]
//	    [--follow] [--every-ms N] [--alpn PROTOCOL]... [--host NAME] [--from ADDRESS]
//
// With --hold-ms the client only waits for the peer to close after its
// messages, at most so long. With --follow it follows redirects. --every-ms is
// its pause before each message. --alpn are offered in TLS, --host goes into Host
// alone, --from is the client's address.
'use strict';

const { parseArgs } = require('node:util');
const WebSocket = require('ws');

const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    subprotocol: { type: 'string', multiple: true, default: [] },
    deflate: { type: 'boolean', default: false },
    origin: { type: 'string' },
    messages: { type: 'string', default: '3' },
    size: { type: 'string', default: '0' },
    ping: { type: 'boolean', default: false },
    'hold-ms': { type: 'string', default: '0' },
    'every-ms': { type: 'string', default: '0' },
    proxy: { type: 'string' },
    follow: { type: 'boolean', default: false },
    insecure: { type: 'boolean', default: false },
    alpn: { type: 'string', multiple: true },
    host: { type: 'string' },
    from: { type: 'string' },
  },
});

let agent;
if (opt.proxy) {
  const { HttpsProxyAgent } = require('https-proxy-agent');
  agent = new HttpsProxyAgent(opt.proxy);
}

const ws = new WebSocket(positionals[0], opt.subprotocol, {
  agent,
  origin: opt.origin,
  followRedirects: opt.follow,
  perMessageDeflate: opt.deflate ? { threshold: 0 } : false,
  rejectUnauthorized: !opt.insecure,
  ALPNProtocols: opt.alpn,
  headers: opt.host ? { Host: opt.host } : {},
  localAddress: opt.from,
});

const messages = Number(opt.messages);
const size = Number(opt.size);
let received = 0;

function finish() {
  const hold = Number(opt['hold-ms']);
  if (hold > 0) setTimeout(() => ws.close(1000, 'done'), hold).unref?.();
  else ws.close(1000, 'done');
}

function send() {
  ws.send(size > 0 ? Buffer.alloc(size, 0x61 + received) : `message ${received + 1}`);
}

function next() {
  if (received === 1 && opt.ping) {
    ws.ping('ping from the client');
    return;
  }
  const every = Number(opt['every-ms']);
  if (received >= messages) finish();
  else if (every > 0) setTimeout(send, every);
  else send();
}

ws.on('open', () => { console.log('open', ws.protocol, ws.extensions); next(); });
ws.on('message', (data) => { received++; console.log('message', data.length); next(); });
ws.on('pong', () => {
  console.log('pong');
  ws.send('after the pong');
});
ws.on('error', (err) => console.log('error', err.message || err.code));
ws.on('close', (code, reason) => console.log('close', code, String(reason)));
