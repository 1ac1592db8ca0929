export { authorityFile, readAuthority } from './authority.ts';
export { COOKIE_PROTOCOL, connectDisplay, cookieOf, type Display, FIRST_PORT, parseDisplay } from './display.ts';
export { SetupFilter } from './setup-filter.ts';
