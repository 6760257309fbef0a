/** Which virtual servers and servers are shown. */

const holds = (word, ...texts) => texts.some((text) => text && String(text).toLowerCase().includes(word));

const serverWanted = {
  all: () => true,
  problems: (server) => server.state === "down" || server.state === "out",
  overrides: (server) => server.overrides.length > 0,
};
const serviceWanted = {
  all: () => true,
  problems: (service) => service.tone === "bad" || service.tone === "warn",
  overrides: (service) => service.overrides.length > 0,
};

/**
 * Each word must be found, in the virtual server (then all its servers are shown) or in one of its servers.
 * @param {object} shown the model
 * @param {{text: string, only: "all"|"problems"|"overrides"}} wanted
 * @returns {{service: object, servers: object[]}[]}
 */
export function filter(shown, { text = "", only = "all" } = {}) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && only === "all") return shown.services.map((service) => ({ service, servers: service.servers }));
  const found = [];
  for (const service of shown.services) {
    const owner = shown.byId.get(service.owner)?.title;
    const left = words.filter((word) => !holds(word, service.id, service.title, service.name, service.protocol, service.scheduler, owner));
    const servers = service.servers.filter(
      (server) => serverWanted[only](server) && left.every((word) => holds(word, server.title, server.state, server.reason)),
    );
    if (servers.length) found.push({ service, servers });
    else if (!left.length && serviceWanted[only](service)) found.push({ service, servers: only === "all" ? service.servers : [] });
  }
  return found;
}

/** Beyond this many servers pools begin folded. */
export const UNFOLDED = 40;

/** @param {Map<string, boolean>} chosen what somebody folded or unfolded by hand */
export function folded(service, chosen, total) {
  return chosen.get(service.id) ?? total > UNFOLDED;
}
