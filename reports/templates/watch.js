const every = 1000 * document.querySelector("main").dataset.refresh;
const again = async () => {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    for (const part of ["header", "main"]) document.querySelector(part).replaceWith(page.querySelector(part));
    if (document.querySelector("main").dataset.refresh) setTimeout(again, every);
  } catch {
    document.querySelector("#state").textContent = "Nobody answers any more: the run, or whoever watched it, has ended.";
  }
};
setTimeout(again, every);
