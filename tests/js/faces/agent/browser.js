// The agent in a page. `askRunner` is bound to the page by `../browser.js`.

import { init } from "nova-compute-utils";
import { deleteDatabase, indexedDbConductor } from "nova-compute-utils/hosts/browser";

import { Agent } from "./agent.js";

let databases = 0;

/** Opens a conductor on a database of its own. */
async function open(options) {
    databases += 1;
    const name = `nova-${databases}`;
    await deleteDatabase(name);
    return indexedDbConductor(name, options);
}

await init();
const agent = new Agent((name, args) => globalThis.askRunner(name, args), open);
globalThis.agent = agent;
document.querySelector("output").textContent = "ready";
