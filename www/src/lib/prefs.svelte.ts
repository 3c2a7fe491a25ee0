// Light or dark, compact or comfortable: of this browser, not of the address.

export type Theme = "system" | "light" | "dark";
export type Density = "compact" | "comfortable";

const KEY = "nova-console-look";

function read(): { theme: Theme; density: Density } {
    const none = { theme: "system", density: "compact" } as const;
    try {
        const { theme, density } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
        return {
            theme: theme === "light" || theme === "dark" ? theme : "system",
            density: density === "comfortable" ? "comfortable" : "compact",
        };
    } catch {
        // The browser allows no storage, or another program wrote it.
        return none;
    }
}

class Preferences {
    theme = $state<Theme>("system");
    density = $state<Density>("compact");

    constructor() {
        Object.assign(this, read());
        this.#apply();
    }

    set(change: Partial<{ theme: Theme; density: Density }>): void {
        Object.assign(this, change);
        this.#apply();
        try {
            localStorage.setItem(KEY, JSON.stringify({ theme: this.theme, density: this.density }));
        } catch {
            // It lasts until the page is closed.
        }
    }

    /** Removes what is kept of it. */
    forget(): void {
        try {
            localStorage.removeItem(KEY);
        } catch {
            // There is nothing to remove where nothing may be kept.
        }
    }

    #apply(): void {
        const { dataset } = document.documentElement;
        if (this.theme === "system") {
            delete dataset["theme"];
        } else {
            dataset["theme"] = this.theme;
        }
        dataset["density"] = this.density;
    }
}

export const preferences = new Preferences();
