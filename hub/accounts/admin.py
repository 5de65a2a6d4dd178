"""People and teams in Django's admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest

from hub.accounts.models import Membership, Team, User
from hub.core.live import look_again_at


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Accounts; what is taken from one here is taken from its open pages as well."""

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:  # noqa: FBT001  Django's signature
        """Save, and have the person's live lines look at their rights."""
        super().save_model(request, obj, form, change)
        look_again_at(obj.pk)


class MembershipInline(admin.TabularInline):
    """Members on the team's page."""

    model = Membership
    extra = 0
    raw_id_fields = ["user"]


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    """Teams with their members."""

    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    raw_id_fields = ["created_by"]
    inlines = [MembershipInline]

    def save_formset(
        self,
        request: HttpRequest,
        form: ModelForm,
        formset: BaseModelFormSet[Any, Any],
        change: bool,  # noqa: FBT001  Django's signature
    ) -> None:
        """Save the members, and have the live lines of those who changed look at their rights."""
        super().save_formset(request, form, formset, change)
        touched = [row for row, _fields in formset.changed_objects] + formset.deleted_objects
        for member in touched:
            look_again_at(member.user_id)
