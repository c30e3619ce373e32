// A package that an adapter works with, or why its tests are left out.
export async function peer(name) {
  try {
    return await import(name);
  } catch (error) {
    return { missing: `the package ${name} is not installed here (${error.code ?? error.message})` };
  }
}
