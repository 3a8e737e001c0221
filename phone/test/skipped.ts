/** A reporter for node --test that names the tests that were not run, by the reason, and how many each reason kept. */

interface Passed {
  readonly type: string;
  readonly data: { readonly name: string; readonly skip?: string | boolean };
}

export default async function* skipped(events: AsyncIterable<Passed>): AsyncGenerator<string> {
  const reasons = new Map<string, string[]>();
  for await (const { type, data } of events) {
    if (type !== "test:pass" || data.skip === undefined) continue;
    const reason = String(data.skip);
    reasons.set(reason, [...(reasons.get(reason) ?? []), data.name]);
  }
  if (reasons.size) yield "Not run:\n";
  for (const [reason, names] of reasons) {
    yield `  ${reason}\n`;
    for (const name of names) yield `    ${name}\n`;
  }
}
