// What screen readers are told of things that are only seen. `App` has the element.

let message = $state("");

export const announcement = {
    get text() {
        return message;
    },
};

export function announce(text: string): void {
    // The same words twice are read twice only after a change.
    message = "";
    setTimeout(() => (message = text), 20);
}
