"use strict";
const make = (tag, values = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), values);
  made.append(...children);
  return made;
};

// Tables: a click on a heading sorts, a choice above the table leaves rows out.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const value = (row, index) => row.cells[index].dataset.v;

  heads.forEach((head, index) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [value(row, index), row]);
      const order = head.classList.contains("n")
        ? (a, b) => a - b
        : new Intl.Collator(undefined, { numeric: true }).compare;
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        return up ? order(a, b) : -order(a, b);
      });
      body.append(...rows.map(([, row]) => row));
    });
  });

  // A table that can be seen at a glance needs no choice of rows.
  if (body.rows.length <= 5) continue;
  const chosen = new Map();
  const bar = make("div", { className: "filters" });
  const shown = make("output", {});
  const apply = () => {
    let left = 0;
    for (const row of body.rows) {
      row.hidden = ![...chosen].every(([index, fits]) => fits(value(row, index)));
      left += !row.hidden;
    }
    shown.textContent = left === body.rows.length ? "" : `${left} of ${body.rows.length} rows`;
  };
  heads.forEach((head, index) => {
    if (!("filter" in head.dataset)) return;
    const values = [...new Set([...body.rows].map((row) => value(row, index)))];
    if (values.length < 2) return;
    const many = values.length > 30;
    const field = many
      ? make("input", { type: "search", size: 12 })
      : make("select", {}, new Option("all", ""), ...values.map((one) => new Option(one || "–", `=${one}`)));
    field.addEventListener(many ? "input" : "change", () => {
      const wanted = field.value;
      if (wanted === "") chosen.delete(index);
      else chosen.set(index, many ? (one) => one.includes(wanted) : (one) => `=${one}` === wanted);
      apply();
    });
    bar.append(make("label", {}, `${head.dataset.filter} `, field));
  });
  if (bar.children.length) {
    bar.append(shown);
    table.parentElement.before(bar);
  }
}

// Strategies: a choice that holds for every chart and for the tables that name them.
const strategies = document.querySelector("#strategies");
if (strategies) {
  strategies.hidden = false;
  strategies.addEventListener("change", ({ target }) => {
    for (const mark of document.querySelectorAll("[data-strategy]")) {
      if (mark.dataset.strategy === target.value) mark.classList.toggle("left-out", !target.checked);
    }
  });
}

// Schemes: which blocks differ from one that the reader chooses.
for (const field of document.querySelectorAll("select[data-compare]")) {
  field.closest("[hidden]").hidden = false;
  field.addEventListener("change", () => {
    const rows = [...document.querySelectorAll(".scheme[data-bits]")];
    const base = field.value;
    for (const row of rows) {
      const bits = row.dataset.bits;
      const cells = row.querySelectorAll("rect");
      [...bits].forEach((bit, block) => {
        cells[block].classList.toggle("differs", base !== "" && bit !== base[block]);
      });
    }
  });
}

// Data: what a chart was drawn from, as a file; it is inside the page already.
const data = document.querySelector("#data");
if (data) {
  const files = JSON.parse(data.textContent);
  for (const button of document.querySelectorAll("button[data-csv]")) {
    button.hidden = !(button.dataset.csv in files);
    button.addEventListener("click", () => {
      const name = button.dataset.csv;
      const link = make("a", {
        href: URL.createObjectURL(new Blob([files[name]], { type: "text/csv" })),
        download: `${name}.csv`,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "copied";
  });
}
