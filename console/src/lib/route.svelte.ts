/** Which alert is open, kept in the address (`#/alerts/<id>`), so that Back and reload work. */

const PREFIX = "#/alerts/";

class Route {
  alert: string | undefined = $state(read());

  constructor() {
    window.addEventListener("hashchange", () => (this.alert = read()));
  }
}

function read(): string | undefined {
  const hash = window.location.hash;
  return hash.startsWith(PREFIX) ? decodeURIComponent(hash.slice(PREFIX.length)) : undefined;
}

export const route = new Route();

export function addressOf(alert: string): string {
  return PREFIX + encodeURIComponent(alert);
}

export function showList(): void {
  window.location.hash = "#/";
}
