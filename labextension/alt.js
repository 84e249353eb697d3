// JupyterLab shows a picture without the alternative text that its output carries; this extension adds it.
// Written by hand as the module that JupyterLab's loader asks for, so nothing has to be built.
let shared;

async function plugin() {
  const [rendermime] = Object.values(shared["@jupyterlab/rendermime"]);
  const { IRenderMimeRegistry } = (await rendermime.get())();
  return {
    id: "sltcourse:alt",
    description: "Gives pictures the alternative text of their outputs.",
    autoStart: true,
    requires: [IRenderMimeRegistry],
    activate: (app, registry) => {
      const pictures = registry.getFactory("image/png");
      registry.addFactory({
        ...pictures,
        createRenderer: options => {
          const renderer = pictures.createRenderer(options), render = renderer.render.bind(renderer);
          renderer.render = async model => {
            await render(model);
            const alt = model.metadata[options.mimeType]?.alt, picture = renderer.node.querySelector("img");
            if (alt && picture) picture.alt = alt;
          };
          return renderer;
        },
      });
    },
  };
}

(window._JUPYTERLAB ||= {}).sltcourse = {
  init: scope => { shared = scope; },
  get: async () => { const extension = await plugin(); return () => ({ __esModule: true, default: extension }); },
};
