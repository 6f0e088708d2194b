"""Ready campaigns, each created in two clicks: `services.create_from_recipe` makes a draft of one."""

from campaigns.recipes.people import PEOPLE
from campaigns.recipes.purchases import PURCHASES
from campaigns.recipes.recipe import SELF, PromotionTemplate, Recipe, Words
from campaigns.recipes.returning import RETURNING
from campaigns.recipes.series import SERIES

RECIPES: dict[str, Recipe] = {recipe.code: recipe for recipe in [*PEOPLE, *PURCHASES, *RETURNING, *SERIES]}

__all__ = ["RECIPES", "SELF", "PromotionTemplate", "Recipe", "Words"]
