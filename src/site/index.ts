export {
  agentProgram,
  installRoot,
  ownPlaces,
  type Places,
  placesToRead,
  programsDirectory,
  systemPlaces,
  userPlaces,
} from './paths.ts';
