import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

/** The policy forbids style attributes in markup; two parts of bits-ui have this one. */
const withoutInlineStyles = {
    name: "without-inline-styles",
    markup: ({ content, filename }) =>
        filename?.includes("/bits-ui/") ? { code: content.replaceAll('style="display: contents;"', 'class="contents"') } : undefined,
};

export default {
    preprocess: [withoutInlineStyles, vitePreprocess()],
    compilerOptions: { runes: true },
    // A library's components choose their own mode.
    vitePlugin: {
        dynamicCompileOptions: ({ filename }) => (filename.includes("node_modules") ? { runes: undefined } : undefined),
    },
};
