"""What can go wrong with customers, orders, events and segments. Base tree: operations.errors."""

from operations.errors import Conflict, Gone, NotFound, Refusal


class CustomerNotFound(NotFound):
    message = "There is no customer under this reference."


class CustomerErased(Gone):
    pass


class OrderConflict(Conflict):
    message = "This order was recorded before with other content."


class EventContradicted(Conflict):
    message = "This event was recorded before with other content."


class ReturnNotPossible(Refusal):
    key = "return_not_possible"
    message = "More is returned than was bought."
