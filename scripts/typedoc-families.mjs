// A plugin of typedoc: sorts what src/index.ts exports into families by the file that defines it, and makes a page for each.
import { Comment, CommentTag, Converter, DocumentReflection, ReflectionKind } from "typedoc";

/** Families in the order of the menu, each with the files of src that belong to it; the first that fits counts. */
const families = [
  ["Device and memory", /^kernels\/(device|open-device|adapter|scope|storage|errors|recorder|memory|lost)/],
  ["Own ops and kernels", /^tensor\/(define-|gradcheck)/],
  ["Gradients", /^tensor\/(backward|grad|vjp|capture|checkpoint)/],
  ["Elementwise", /^tensor\/ops\/(elementwise|clamp|cast|clone)/],
  ["Matrices", /^tensor\/ops\/(matmul|linear|einsum)/],
  ["Convolution", /^tensor\/(ops\/conv|conv)/],
  ["Pooling and resizing", /^tensor\/(ops\/(.*pool|upsample|pixel-shuffle|image-shift)|pool)/],
  ["Normalisation", /^tensor\/ops\/.*norm\d?d?\.ts$|^tensor\/ops\/local-response/],
  ["Softmax", /^tensor\/ops\/.*softmax|^tensor\/ops\/log-sum-exp/],
  ["Reductions", /^tensor\/ops\/(sum|max|prod|variance|norm|reduce|arg|cum|any|sort|top|mean)/],
  [
    "Shapes and indices",
    /^tensor\/ops\/(reshape|transpose|slice|concat|pad|expand|flip|gather|scatter|embed|repeat|roll|tri|one)/,
  ],
  ["Random numbers", /^tensor\/(random|ops\/dropout)/],
  ["Losses", /^nn\/.*loss/],
  [
    "Optimizers and schedules",
    /^nn\/(ada|sgd|rmsprop|nadam|radam|optimizer|parameter-group|clip|schedule|lr-|ema|scaler)|^tensor\/ops\/optimizer/,
  ],
  ["Layers", /^nn\//],
  ["Tensors", /^tensor\//],
];

/** The comment that carries a reflection's text: a function's is on its signature. */
const commentOf = (reflection) =>
  reflection.comment ?? reflection.signatures?.[0]?.comment ?? reflection.type?.declaration?.signatures?.[0]?.comment;

/** The first sentence, up to an empty line. */
function summaryOf(reflection) {
  const parts = commentOf(reflection)?.summary ?? [];
  const text = parts.map((part) => part.text).join("");
  return text
    .split(/\n\s*\n/)[0]
    .replaceAll("\n", " ")
    .replaceAll("|", "\\|");
}

function familyOf(reflection) {
  const file = reflection.sources?.[0]?.fullFileName.replace(/^.*\/src\//, "") ?? "";
  return families.find(([, pattern]) => pattern.test(file))?.[0] ?? "Other";
}

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const engine = project.children?.find(({ name }) => name === "index");
    if (!engine) throw new Error("typedoc-families: src/index.ts is no module of the project");
    engine.name = "voxpix";
    const members = new Map(families.map(([name]) => [name, []]));
    for (const reflection of engine.children ?? []) {
      if (reflection.kind === ReflectionKind.Reference) continue;
      const family = familyOf(reflection);
      const comment = commentOf(reflection) ?? new Comment();
      comment.blockTags.push(new CommentTag("@category", [{ kind: "text", text: family }]));
      reflection.comment ??= commentOf(reflection) ? undefined : comment;
      if (!members.has(family)) members.set(family, []);
      members.get(family).push(reflection);
    }
    for (const [family, list] of members) {
      if (list.length === 0) continue;
      const content = [{ kind: "text", text: `# ${family}\n\n| name | what it is |\n|---|---|\n` }];
      for (const reflection of list.sort((a, b) => a.name.localeCompare(b.name))) {
        content.push({ kind: "text", text: "| " });
        content.push({ kind: "inline-tag", tag: "@link", text: reflection.name, target: reflection });
        content.push({ kind: "text", text: ` | ${summaryOf(reflection)} |\n` });
      }
      const page = new DocumentReflection(family, engine, content, {});
      page.comment = new Comment([], [new CommentTag("@category", [{ kind: "text", text: family }])]);
      project.registerReflection(page, undefined, undefined);
      engine.addChild(page);
    }
    for (const child of project.children ?? [])
      child.name = child.name.replace(/^(model|data|eval)(\/index)?$/, "voxpix/$1");
  });
}
