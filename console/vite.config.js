// Builds the page into static/, which the service sends as it is: index.html at /, the rest under
// /assets/ with hashed names. Nothing inline and no data: addresses, so that the strict
// Content-Security-Policy of the service holds.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Doctors bring their own, often old, phones; <dialog> decides the lower end.
    target: ["es2020", "chrome87", "firefox98", "safari15.4"],
    // Svelte and uPlot are MIT: their notices travel with the copies.
    license: { fileName: "assets/third-party.md" },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  // css: a test reads the palette as it is.
  test: { include: ["tests/**/*.test.ts"], css: true },
});
