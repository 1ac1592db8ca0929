import { debian12 } from './debian-12.ts';
import type { Recipe } from './recipe.ts';

export type { Recipe } from './recipe.ts';

/** The images that can be built without a file of one's own. */
export const recipes: readonly Recipe[] = [debian12];
