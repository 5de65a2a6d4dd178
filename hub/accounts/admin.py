"""People and teams in Django's admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from hub.accounts.models import Membership, Team, User

admin.site.register(User, UserAdmin)


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
