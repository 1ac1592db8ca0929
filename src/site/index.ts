export {
  agentProgram,
  installRoot,
  isCheckout,
  ownPlaces,
  type Places,
  placesToRead,
  programsDirectory,
  systemPlaces,
  userPlaces,
} from './paths.ts';
