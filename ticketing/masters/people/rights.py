"""What a person's own roles let him do; who is asked again where the web has asked already, for commands are also called elsewhere."""

from ticketing.kernel.errors import NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act, may


def permit(actor: User, act: Act) -> None:
    """Raise NotPermitted unless one of his roles may do `act`."""
    if not may(actor.roles, act):
        raise NotPermitted(f"您的岗位不能办理“{act}”。")
