/* SQL asked of the database in the page, or of one that the reader chooses. */

const MAX_ROWS_SHOWN = 1000;

/** Runs a library that lies in the page as text; the first paint does not wait for it. */
function loadLibrary(id) {
  const source = document.getElementById(id);
  if (!source || source.dataset.loaded) return Boolean(source);
  document.head.append(element("script", {}, source.textContent));
  source.dataset.loaded = "yes";
  return true;
}

const sqlConsole = {
  database: null,

  /** The database in the page, opened at the first question. */
  async open() {
    if (this.database) return this.database;
    loadLibrary("lib-sql");
    this.tell("opening the database …");
    const bytes = new Uint8Array(await embedded("database"));
    return this.use(bytes);
  },

  async use(bytes) {
    loadLibrary("lib-sql");
    this.sql ??= await initSqlJs();
    this.database?.close();
    this.database = new this.sql.Database(bytes);
    return this.database;
  },

  tell(text, bad = false) {
    this.status.textContent = text;
    this.status.classList.toggle("bad", bad);
  },
};

function startConsole() {
  const { embedding, recipes } = figures;
  const noLibrary = !document.getElementById("lib-sql");
  const place = fillPanel("console", {
    how: element("span", {}, "Any SQL that SQLite understands; ", element("kbd", {}, "Ctrl"), "+", element("kbd", {}, "Enter"),
      " runs it. Times are nanoseconds since boot, addresses integers; state at T is ", element("code", {}, "t_begin <= T AND T < t_end"),
      ". Views named *_at_moment show the time in table moment: the button sets it to the moment of this page. Changes stay in this page."),
    empty: noLibrary ? `There is no console in this page: ${figures.libraries_missing}. The same questions go to tools/palimpsest query.` : null,
  });
  place.readout.remove();
  if (noLibrary) return;
  const input = element("textarea", { rows: "8", spellcheck: "false", "aria-label": "SQL", id: "sql" });
  const menu = element("select", { id: "recipes", "aria-label": "recipes of the cookbook" }, element("option", { value: "" }, "Cookbook: choose a question …"),
    ...recipes.map((recipe, i) => element("option", { value: i }, recipe.title)));
  const run = element("button", { type: "button", id: "run", class: "primary" }, "Run");
  const atMoment = element("button", { type: "button" }, "set moment to t");
  const file = element("input", { type: "file", id: "database-file", accept: ".db" });
  const answer = element("div", { id: "answer" });
  const advice = element("p", { class: "advice" });
  sqlConsole.status = element("output", { class: "status", "aria-live": "polite" });
  place.body.append(element("p", { class: "choose" }, menu, run, atMoment,
    element("label", { class: "file" }, "another database: ", file)),
  input, advice, sqlConsole.status, answer, element("p", { class: "embedding" }, embeddingText(embedding)));
  input.value = recipes[0]?.sql ?? "SELECT * FROM session";
  const ask = () => runQuery(input.value, answer);
  menu.addEventListener("change", () => {
    if (menu.value === "") return;
    input.value = recipes[Number(menu.value)].sql;
    advice.textContent = recipes[Number(menu.value)].text.replaceAll("`", "");
    ask();
  });
  run.addEventListener("click", ask);
  atMoment.addEventListener("click", () => runQuery(`UPDATE moment SET t = ${Math.round(view.t)}`, answer));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
  file.addEventListener("change", () => openFile(file));
  if (embedding.kind === "none") sqlConsole.tell("Choose session.db first: it lies in the session’s directory.");
}

function embeddingText(embedding) {
  const size = `${(embedding.size_bytes / (1 << 20)).toFixed(1)} MiB`;
  if (embedding.kind === "whole") return `The session’s whole database is in this page (${size}).`;
  if (embedding.kind === "tables") return `The session’s whole database is in this page (${size}), without its indexes: some questions take longer.`;
  if (embedding.kind !== "none") {
    const most = embedding.kind === "questions" ? "The state tables, all views, and all events that these and the cookbook ask for" : "The state tables and the small tables";
    return `${most} are in this page (${size}), without indexes. Left out, because the page would have become too large: ${embedding.left_out.join(", ")}. Choose session.db above to ask for those.`;
  }
  return "The session’s database is too large for this page: it is the file session.db in the session’s directory. Choose it above; it is read here and sent nowhere.";
}

async function openFile(file) {
  if (!file.files.length) return;
  sqlConsole.tell(`reading ${file.files[0].name} …`);
  try {
    await sqlConsole.use(new Uint8Array(await file.files[0].arrayBuffer()));
    sqlConsole.database.exec("SELECT value FROM session WHERE key = 'schema_version'");
    sqlConsole.tell(`${file.files[0].name} is open.`);
  } catch (error) {
    // The next question goes to the database in the page again, if there is one.
    sqlConsole.database?.close();
    sqlConsole.database = null;
    sqlConsole.tell(`${file.files[0].name} cannot be used: ${error.message}. A session.db is wanted.`, true);
  }
}

async function runQuery(sql, answer) {
  if (!sqlConsole.database && figures.embedding.kind === "none") {
    sqlConsole.tell("Choose session.db first: it lies in the session’s directory.", true);
    return;
  }
  try {
    const database = await sqlConsole.open();
    sqlConsole.tell("running …");
    // The page shows that before SQLite keeps the thread.
    await new Promise((done) => setTimeout(done, 20));
    const begin = performance.now();
    const found = collectRows(database, sql);
    const took = duration((performance.now() - begin) * 1e6);
    showAnswer(found, took, answer);
  } catch (error) {
    answer.replaceChildren();
    const lacks = /no such (table|view|column)/.test(error.message) && figures.embedding.left_out.length
      ? " The database in this page lacks some tables: see below." : "";
    sqlConsole.tell(`${error.message}.${lacks}`, true);
  }
}

/** The rows of the last statement that has any. Integers beyond 2^53 are exact. */
function collectRows(database, sql) {
  let found = { columns: [], rows: [], changed: 0 };
  for (const statement of database.iterateStatements(sql)) {
    const rows = [];
    while (statement.step()) rows.push(statement.get(null, { useBigInt: true }));
    const columns = statement.getColumnNames();
    if (columns.length) found = { columns, rows, changed: 0 };
    else found.changed += database.getRowsModified();
  }
  return found;
}

function showAnswer({ columns, rows, changed }, took, answer) {
  if (!columns.length) {
    answer.replaceChildren();
    sqlConsole.tell(`done in ${took}; ${counted(changed, "row")} changed`);
    return;
  }
  const numbers = columns.map((_, i) => rows.some((row) => row[i] !== null) && rows.every((row) => row[i] === null || typeof row[i] !== "string"));
  const text = (value) => (value === null ? ["NULL", "null"] : String(value));
  answer.replaceChildren(table(columns.map((name, i) => [name, numbers[i] ? "n" : ""]), rows.slice(0, MAX_ROWS_SHOWN).map((row) => row.map(text)), "Answer"));
  const more = rows.length > MAX_ROWS_SHOWN ? `, the first ${grouped(MAX_ROWS_SHOWN)} are shown` : "";
  sqlConsole.tell(`${counted(rows.length, "row")}${more}, in ${took}`);
  answer.append(element("button", { type: "button", onclick: () => saveCsv(columns, rows) }, "Save as CSV"));
}

function saveCsv(columns, rows) {
  const quoted = (value) => (value === null ? "" : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const text = [columns, ...rows].map((row) => row.map(quoted).join(",")).join("\n");
  const link = element("a", { href: URL.createObjectURL(new Blob([text + "\n"], { type: "text/csv" })), download: "answer.csv" });
  link.click();
  URL.revokeObjectURL(link.href);
}
