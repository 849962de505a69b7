/** The public ops and losses of `src/index.ts`, with their inputs and options, from the types: what is read there cannot go stale. */
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** One function of tensors. */
export interface Signature {
  readonly name: string;
  /** Names of the tensors; a trailing `?` marks one that may be left out or null. */
  readonly inputs: readonly string[];
  /** Names, those that may be left out with a trailing `?`; of a choice between words also these. */
  readonly options: readonly string[];
}

/** Functions of tensors that are no ops: they make tensors, or differentiate. */
const others = new Set(["backward", "clipByValue", "fullLike", "globalNorm", "onesLike", "stopGradient", "zerosLike"]);

const index = fileURLToPath(new URL("../../src/index.ts", import.meta.url));

const isTensor = (type: ts.Type): boolean =>
  type.isUnion() ? type.types.some(isTensor) : type.getSymbol()?.name === "Tensor";

function reader(checker: ts.TypeChecker) {
  const isTensors = (type: ts.Type): boolean =>
    isTensor(type) ||
    ((checker.isArrayType(type) || checker.isTupleType(type)) &&
      checker.getTypeArguments(type as ts.TypeReference).some(isTensor));

  /** Parameters by name; those of a rest parameter whose type is a tuple one by one. */
  const parametersOf = (signature: ts.Signature): { name: string; type: ts.Type; optional: boolean }[] =>
    signature.getParameters().flatMap((symbol) => {
      const type = checker.getTypeOfSymbol(symbol);
      const declaration = symbol.valueDeclaration as ts.ParameterDeclaration | undefined;
      if (checker.isTupleType(type)) {
        const { target } = type as ts.TupleTypeReference;
        return checker.getTypeArguments(type as ts.TypeReference).map((own, i) => {
          const label = target.labeledElementDeclarations?.[i]?.name.getText();
          return {
            name: label ?? `${i}`,
            type: own,
            optional: ((target.elementFlags[i] ?? 0) & ts.ElementFlags.Optional) !== 0,
          };
        });
      }
      const optional = declaration?.questionToken !== undefined || declaration?.initializer !== undefined;
      return [{ name: symbol.name, type, optional }];
    });

  /** `name?`, and the words of a choice. */
  const optionText = (name: string, members: readonly ts.Type[]): string => {
    const own = members.map((member) => member.getProperty(name));
    const optional = own.some((property) => !property || (property.flags & ts.SymbolFlags.Optional) !== 0);
    const words = own.flatMap((property) => {
      const type = property && checker.getNonNullableType(checker.getTypeOfSymbol(property));
      return (type?.isUnion() ? type.types : type ? [type] : []).flatMap((one) =>
        one.isStringLiteral() ? one.value : [],
      );
    });
    return `${name}${optional ? "?" : ""}${words.length > 0 ? `: ${[...new Set(words)].join(" / ")}` : ""}`;
  };

  /** Null: the parameter is no object of options. */
  const optionsOf = (type: ts.Type): string[] | null => {
    const plain = checker.getNonNullableType(type);
    const members = plain.isUnion() ? plain.types : [plain];
    if (!members.every((member) => (member.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0))
      return null;
    const names = new Set(members.flatMap((member) => member.getProperties().map((property) => property.name)));
    return [...names].map((name) => optionText(name, members));
  };

  const words = (type: ts.Type) =>
    (type.isUnion() ? type.types : [type]).flatMap((one) => (one.isStringLiteral() ? one.value : [])).join(" / ");

  /** The names that `defineOp` was given, from the type argument of `Op`. */
  const definedInputs = ({ aliasSymbol, aliasTypeArguments }: ts.Type): string[] | null => {
    const names = aliasSymbol?.name === "Op" ? aliasTypeArguments?.[0] : undefined;
    if (!names) return null;
    return checker
      .getTypeArguments(names as ts.TypeReference)
      .flatMap((one) => (one.isStringLiteral() ? one.value : []));
  };

  return (name: string, type: ts.Type): Signature | null => {
    const signature = type.getCallSignatures()[0];
    if (!signature || others.has(name)) return null;
    const parameters = parametersOf(signature);
    const result = signature.getReturnType();
    const made = isTensors(result) || result.getProperties().some((property) => property.name === "values");
    if (!made || !parameters[0] || !isTensors(parameters[0].type)) return null;
    const inputs = parameters.filter(({ type }) => isTensors(type));
    const last = parameters.at(-1);
    const given = last && !inputs.includes(last) ? (optionsOf(last.type) ?? [`${last.name}: ${words(last.type)}`]) : [];
    const options = given.filter((text) => !text.endsWith(": "));
    const nullable = (type: ts.Type) => checker.getNonNullableType(type) !== type;
    const text = (input: (typeof inputs)[number]) =>
      `${input.name}${input.optional || nullable(input.type) ? "?" : ""}`;
    return { name, inputs: definedInputs(type) ?? inputs.map(text), options };
  };
}

/** Every exported function whose first argument is a tensor, or a list of them, and whose result is made of tensors; by name. */
export function publicOps(): Map<string, Signature> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [index] }, ts.sys, root);
  const program = ts.createProgram([index], { ...options, noEmit: true, skipLibCheck: true });
  const checker = program.getTypeChecker();
  const read = reader(checker);
  const source = program.getSourceFile(index);
  const module = source && checker.getSymbolAtLocation(source);
  if (!source || !module) throw new Error("src/index.ts is not a module");
  const found = new Map<string, Signature>();
  for (const symbol of checker.getExportsOfModule(module)) {
    const target = (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol;
    if ((target.flags & ts.SymbolFlags.Value) === 0) continue;
    const signature = read(symbol.name, checker.getTypeOfSymbolAtLocation(target, source));
    if (signature) found.set(symbol.name, signature);
  }
  return found;
}
