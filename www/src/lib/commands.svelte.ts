// The views and commands: what the bar, the keys and the palette offer.

import { address } from "./address.svelte.js";
import { chooseFiles, openSample } from "./intake.svelte.js";
import { preferences } from "./prefs.svelte.js";

export interface View {
    path: string;
    title: string;
    /** The second key after `g`. */
    key: string;
}

export const VIEWS: readonly View[] = [
    { path: "/windows", title: "Windows", key: "w" },
    { path: "/servers", title: "Servers", key: "s" },
    { path: "/devices", title: "Devices", key: "v" },
    { path: "/data", title: "Data", key: "d" },
];

export interface Command {
    title: string;
    keys?: string;
    run: () => void;
}

export const COMMANDS: readonly Command[] = [
    { title: "Choose files to import", run: chooseFiles },
    { title: "Open the sample", run: () => void openSample() },
    { title: "Times in UTC", run: () => address.set({ zone: null }) },
    { title: "Times in the zone of this browser", run: () => address.set({ zone: "local" }) },
    { title: "Light", run: () => preferences.set({ theme: "light" }) },
    { title: "Dark", run: () => preferences.set({ theme: "dark" }) },
    { title: "Light or dark as the system", run: () => preferences.set({ theme: "system" }) },
    { title: "Compact rows", run: () => preferences.set({ density: "compact" }) },
    { title: "Comfortable rows", run: () => preferences.set({ density: "comfortable" }) },
    { title: "Copy link", run: () => void navigator.clipboard.writeText(location.href) },
    { title: "Keys", keys: "?", run: () => (dialogs.keys = true) },
];

/** The keys, as the help lists them. */
export const KEYS: readonly (readonly [keys: string, does: string])[] = [
    ["Ctrl K", "views, servers, windows and commands"],
    ["/", "search"],
    ...VIEWS.map(({ key, title }) => [`g ${key}`, title] as const),
    ["j k", "next row, row before"],
    ["Enter", "open the row"],
    ["Esc", "back"],
    ["[ ]", "window before, window after"],
    ["?", "this list"],
];

class Dialogs {
    palette = $state(false);
    keys = $state(false);
}

/** Which dialog is open. */
export const dialogs = new Dialogs();
