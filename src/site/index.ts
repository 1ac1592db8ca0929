export {
  agentProgram,
  installRoot,
  leasesDirectory,
  ownPlaces,
  type Places,
  placesToRead,
  programsDirectory,
  systemPlaces,
  userPlaces,
} from './paths.ts';
