// Reading categories. The rulebook in memory is their read model.
import { CategoryObject, showCategory } from '../src/api/presenters/categories.ts'
import { CATEGORIES } from '../src/api/resources.ts'
import type { Services } from '../src/services.ts'
import { definitionReads } from './definitionReads.ts'

export const categoryQueries = (services: Services) => {
  const { list, one } = definitionReads(services, CATEGORIES, { response: CategoryObject, show: showCategory })
  return [list, one]
}
