import { debian12 } from './debian-12.ts';
import type { Recipe } from './recipe.ts';

export { readRecipe } from './file.ts';
export type { Additions, Recipe } from './recipe.ts';

/** The images that can be built without a file of one's own. */
export const recipes: readonly Recipe[] = [debian12];
