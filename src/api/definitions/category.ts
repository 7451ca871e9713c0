// Categories: what campaigns and vouchers are sorted into.
import { Category } from '../../domain/rulebook/category.ts'
import { CategoryObject, showCategory } from '../presenters/categories.ts'
import { bodiesOf, definitionResource } from './resource.ts'

export const categories = definitionResource('category', {
  path: '/v1/categories',
  param: 'categoryId',
  tag: 'Categories',
  one: 'a category',
  many: 'categories',
  ...bodiesOf(Category),
  response: CategoryObject,
  show: showCategory,
  describe: {
    create: 'Campaigns and vouchers name it as their `category_id`. `hierarchy`: the lower, the earlier.',
    remove: 'Refused, with the list of users, while a campaign is in it; vouchers that name it are in none then.',
  },
})
