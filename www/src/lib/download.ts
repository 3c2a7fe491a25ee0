/** Gives a file to the browser's downloads. */
export function download(name: string, blob: Blob): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    // The browser has taken the file by then.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
