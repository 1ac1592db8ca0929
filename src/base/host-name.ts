/** `n1` of `n1.site.example`. */
export function shortName(host: string): string {
  return host.split('.')[0] ?? host;
}
