// Changing categories.
import * as v from 'valibot'
import { CategoryObject, showCategory } from '../src/api/presenters/categories.ts'
import { CATEGORIES } from '../src/api/resources.ts'
import { Category } from '../src/domain/rulebook/category.ts'
import type { Services } from '../src/services.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'

export const categoryCommands = (services: Services) => {
  const { create, change, remove } = definitionRoutes(services, CATEGORIES, {
    body: v.pipe(Category, recorded()),
    patch: v.pipe(v.partial(Category), recorded()),
    response: CategoryObject,
    describe: {
      create: 'Campaigns and vouchers name it as their `category_id`. `hierarchy`: the lower, the earlier.',
      remove: 'Refused, with the list of users, while a campaign is in it; vouchers that name it are in none then.',
    },
    show: showCategory,
  })
  return [create, change, remove]
}
