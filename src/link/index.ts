export { connectToPeer, type PeerPlace } from './connect.ts';
export { deriveKey, type LinkKey } from './keys.ts';
export { type LinkListener, listenForPeers } from './listen.ts';
