import { defineConfig } from "vite";

// One script and one style sheet, which Python writes into every page. The same sources
// give the same bytes: nothing of the build's time, machine or folder is in them.
export default defineConfig({
  // `h(tag, props, child)` is shorter than the automatic form: two kilobytes in all.
  oxc: {
    jsx: { runtime: "classic", pragma: "jsx", pragmaFrag: "jsxFragment" },
    jsxInject: 'import { h as jsx, Fragment as jsxFragment } from "/src/h.ts"',
  },
  build: {
    outDir: "../src/layerwise/presentation/assets",
    emptyOutDir: false,
    target: "es2022",
    cssTarget: "chrome111",
    reportCompressedSize: false,
    lib: {
      entry: "src/main.tsx",
      formats: ["iife"],
      name: "layerwise",
      fileName: () => "bundle.js",
      cssFileName: "bundle",
    },
  },
});
