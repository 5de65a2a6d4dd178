"""`manage.py seed_demo`: bundled base, two datasets, a LoRA trained for real, a gallery."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.accounts.models import Team, User
from hub.accounts.services import create_team
from hub.demo.base_model import make_base
from hub.demo.training_run import make_datasets, publish_when_done, queue_lora
from hub.demo.words import TEAM_NAME


class Command(BaseCommand):
    """Makes the demo content through the services; run again, it makes only what is missing."""

    help = "Make the demo content: bundled base, datasets, a trained LoRA, a small gallery."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the owner, and whether to wait for the training."""
        parser.add_argument("--owner", default="admin", help="user name of the owner")
        parser.add_argument(
            "--no-wait", action="store_true", help="queue the LoRA but do not wait to publish it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it step by step, saying so."""
        actor = User.objects.filter(username=options["owner"]).first()
        if actor is None:
            raise CommandError(f"There is no user {options['owner']}; name one with --owner.")
        team = Team.objects.filter(created_by=actor, name=TEAM_NAME).first()
        team = team or create_team(actor=actor, name=TEAM_NAME)
        say = self.stdout.write
        say("Publishing the bundled base and drawing pictures with it.")
        base = make_base(actor=actor, team=team)
        say("Importing two datasets.")
        neon, _owl = make_datasets(actor=actor, team=team)
        job = queue_lora(actor=actor, team=team, dataset=neon, base=base)
        say(f"The LoRA is run #{job.number}.")
        if options["no_wait"]:
            return
        version = publish_when_done(actor=actor, job=job, say=say)
        if version is not None:
            say(f"Published {version.model.name}.")
