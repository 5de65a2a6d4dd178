"""`manage.py seed_demo`: bundled base, two datasets, a LoRA and a DreamBooth trained for real."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.accounts.models import Team, User
from hub.accounts.services import create_team
from hub.demo.base_model import EngineFailedError, make_base
from hub.demo.training_runs import LESSONS, make_dataset, publish_when_done, queue_run
from hub.demo.words import TEAM_NAME


class Command(BaseCommand):
    """Makes the demo content through the services; run again, it makes only what is missing."""

    help = "Make the demo content: bundled base, gallery, datasets, and what is trained from them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the owner, and whether to wait for the training."""
        parser.add_argument("--owner", default="admin", help="user name of the owner")
        parser.add_argument(
            "--no-wait", action="store_true", help="queue the runs but do not wait to publish them"
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
        try:
            base = make_base(actor=actor, team=team)
        except EngineFailedError as error:
            raise CommandError(str(error)) from error
        say("Importing two datasets.")
        datasets = [make_dataset(actor=actor, team=team, lesson=lesson) for lesson in LESSONS]
        jobs = []
        for dataset, lesson in zip(datasets, LESSONS, strict=True):
            jobs.append(queue_run(actor=actor, dataset=dataset, base=base, lesson=lesson))
            say(f"{lesson.run} is run #{jobs[-1].number}.")
        if options["no_wait"]:
            return
        for job, lesson in zip(jobs, LESSONS, strict=True):
            version = publish_when_done(actor=actor, job=job, lesson=lesson, say=say)
            if version is not None:
                say(f"Published {version.model.name}.")
