export { main } from '../../engine/embedded/daemon-entry.ts';
