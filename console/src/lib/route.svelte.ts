/** What is open, kept in the address (`#/alerts/<id>`, `#/me`), so that Back and reload work. */

const PREFIX = "#/alerts/";
/** The page of one's own. */
export const ME = "#/me";

class Route {
  alert: string | undefined = $state(read());
  me: boolean = $state(window.location.hash === ME);

  constructor() {
    window.addEventListener("hashchange", () => {
      this.alert = read();
      this.me = window.location.hash === ME;
    });
  }

  /** Something covers the list, where there is room for one of them. */
  get covered(): boolean {
    return this.me || this.alert !== undefined;
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
