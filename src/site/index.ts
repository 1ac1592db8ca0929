export { agentProgram, installRoot, ownPlaces, type Places, placesToRead, systemPlaces, userPlaces } from './paths.ts';
export { publicRoot } from './public-root.ts';
