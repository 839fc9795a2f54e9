// Draws the diagrams of a page in the colours of its theme, and lets the keyboard scroll what is too wide.
(() => {
  const page = document.documentElement;

  for (const box of document.querySelectorAll("pre > code, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }

  // Their text is shown until they are drawn.
  const diagrams = Array.from(document.querySelectorAll("pre.diagram"), (shown) => ({ shown, text: shown.textContent }));
  if (diagrams.length === 0) return;

  let drawn = 0;
  async function draw() {
    const dark = ["navy", "coal", "ayu"].some((name) => page.classList.contains(name));
    // Labels of arrows have too little contrast in mermaid's dark theme.
    const themeVariables = dark ? { edgeLabelBackground: "#1f2937", textColor: "#e5e7eb" } : {};
    globalThis.mermaid.initialize({
      startOnLoad: false,
      theme: dark ? "dark" : "default",
      themeVariables,
      sequence: { wrap: true, width: 160, messageFontSize: 18, actorFontSize: 18 },
    });
    for (const diagram of diagrams) {
      const { svg } = await globalThis.mermaid.render(`diagram-${drawn++}`, diagram.text);
      const figure = document.createElement("div");
      figure.className = "diagram";
      figure.tabIndex = 0;
      figure.innerHTML = svg;
      diagram.shown.replaceWith(figure);
      diagram.shown = figure;
    }
  }

  const script = document.createElement("script");
  script.src = `${path_to_root}mermaid.tiny.js`;
  script.onload = () => {
    let last = draw();
    let classes = page.className;
    new MutationObserver(() => {
      if (page.className === classes) return;
      classes = page.className;
      last = last.then(draw);
    }).observe(page, { attributeFilter: ["class"] });
  };
  document.head.append(script);
})();
