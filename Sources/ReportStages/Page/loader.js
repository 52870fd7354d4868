"use strict";
// Puts the modules of Vega together: each is a function that fills `exports` and asks for others by name.
var cytoModules = {};
var cytoLoaded = {};
function cytoRequire(name) {
  if (cytoLoaded[name]) return cytoLoaded[name].exports;
  if (!cytoModules[name]) throw new Error("The page holds no module " + name);
  const module = (cytoLoaded[name] = { exports: {} });
  cytoModules[name].call({}, module, module.exports, cytoRequire);
  return module.exports;
}
// Errors are kept for whoever opens the page by a program.
var cytoErrors = [];
window.addEventListener("error", (event) => {
  cytoErrors.push(event.message);
  document.documentElement.dataset.errors = cytoErrors.join(" | ");
});
