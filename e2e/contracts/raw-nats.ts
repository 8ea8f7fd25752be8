/** A few lines of NATS's own protocol, for tests that must do what no port of ours offers. */
import { once } from 'node:events';
import { createPrivateKey, sign } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export class RawNats {
  readonly #socket: Socket;
  readonly #replies = new Map<string, (text: string) => void>();
  #received = '';
  #count = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(address: string, credentials: string): Promise<RawNats> {
    const [host, port] = address.split(':');
    const socket = connect(Number(port), host);
    const [greeting] = (await once(socket, 'data')) as [Buffer];
    const { nonce } = JSON.parse(greeting.toString().slice('INFO '.length)) as { nonce: string };
    const self = new RawNats(socket);
    socket.on('data', (data: Buffer) => self.#receive(data.toString('latin1')));
    const options = { verbose: false, pedantic: false, headers: true, no_responders: true, lang: 'test', version: '1' };
    socket.write(`CONNECT ${JSON.stringify({ ...options, ...proof(credentials, nonce) })}\r\n`);
    return self;
  }

  /** Publishes, and waits for the stream's acknowledgement where the user may hear it. */
  async publish(subject: string, bytes: Uint8Array): Promise<void> {
    this.#socket.write(`PUB ${subject} ${bytes.length}\r\n`);
    this.#socket.write(bytes);
    this.#socket.write('\r\n');
    await this.#flush();
  }

  /** Asks, and has the answer sent to somebody else. */
  async requestTo(subject: string, reply: string): Promise<void> {
    this.#socket.write(`PUB ${subject} ${reply} 0\r\n\r\n`);
    await this.#flush();
  }

  async streamCount(): Promise<number> {
    return ((await this.#ask('$JS.API.STREAM.NAMES', {})) as { streams: string[] }).streams.length;
  }

  async messageCount(stream: string): Promise<number> {
    const { state } = (await this.#ask(`$JS.API.STREAM.INFO.${stream}`, {})) as { state: { messages: number } };
    return state.messages;
  }

  /** Resolves once the stream has something under the subject. */
  async stored(stream: string, subject: string): Promise<void> {
    const look = () => this.#ask(`$JS.API.STREAM.MSG.GET.${stream}`, { last_by_subj: subject });
    await expect.poll(look, { timeout: 30_000 }).toHaveProperty('message');
  }

  async close(): Promise<void> {
    this.#socket.end();
    await once(this.#socket, 'close');
  }

  async #ask(subject: string, body: object): Promise<unknown> {
    this.#count += 1;
    const inbox = `_INBOX.raw.${this.#count}`;
    const answer = new Promise<string>((resolve) => this.#replies.set(inbox, resolve));
    const payload = JSON.stringify(body);
    this.#socket.write(`SUB ${inbox} ${this.#count}\r\nPUB ${subject} ${inbox} ${payload.length}\r\n${payload}\r\n`);
    return JSON.parse(await answer);
  }

  /** Resolves once the server has taken everything sent so far. */
  async #flush(): Promise<void> {
    const pong = new Promise<string>((resolve) => this.#replies.set('PONG', resolve));
    this.#socket.write('PING\r\n');
    await pong;
  }

  #receive(text: string): void {
    this.#received += text;
    for (;;) {
      const end = this.#received.indexOf('\r\n');
      if (end < 0) return;
      const words = this.#received.slice(0, end).split(' ');
      let rest = this.#received.slice(end + 2);
      if (words[0] === 'MSG') {
        const length = Number(words.at(-1));
        if (rest.length < length + 2) return;
        this.#replies.get(words[1]!)?.(rest.slice(0, length));
        rest = rest.slice(length + 2);
      } else if (words[0] === 'PING') {
        this.#socket.write('PONG\r\n');
      } else if (words[0] === 'PONG') {
        this.#replies.get('PONG')?.('');
      }
      this.#received = rest;
    }
  }
}

/** The server's nonce, signed with the key of a .creds text. */
function proof(credentials: string, nonce: string): { nkey: string; sig: string } {
  const seed = unspell(/SEED-----\n(\S+)/.exec(credentials)![1]!).subarray(2, 34);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  return { nkey: /^# (U\S+)/m.exec(credentials)![1]!, sig: sign(null, Buffer.from(nonce), key).toString('base64url') };
}

function unspell(text: string): Buffer {
  const bits = [...text].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}
