export { connectToPeer, type PeerPlace } from './connect.ts';
export { deriveKey, keyBytes, type LinkKey } from './keys.ts';
export { type LinkListener, type ListenOptions, listenForPeers } from './listen.ts';
