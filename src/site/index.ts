export {
  agentProgram,
  installRoot,
  isCheckout,
  leasesDirectory,
  ownPlaces,
  type Places,
  placesToRead,
  programsDirectory,
  systemPlaces,
  userPlaces,
} from './paths.ts';
