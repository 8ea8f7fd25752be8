export { connect, type Client, type ConnectOptions, type StreamOptions } from './connect.ts';
export { describeTarget, type Target } from './target.ts';
