from django.urls import path

from loyalty.api import contests, games

urlpatterns = [
    path("draws", contests.DrawList.as_view(), name="draws"),
    path("draws/<str:code>", contests.DrawDetail.as_view(), name="draw"),
    path("draws/<str:code>/entries", contests.DrawEntries.as_view(), name="draw-entries"),
    path("draws/<str:code>/plays", contests.DrawPlays.as_view(), name="draw-plays"),
    path("draws/<str:code>/winners", contests.DrawWinners.as_view(), name="draw-winners"),
    *(
        path(f"draws/<str:code>/{move}", contests.DrawMove.as_view(), {"move": move}, name=f"draw-{move}")
        for move in contests.DrawMove.moves
    ),
    path("challenges", games.ChallengeList.as_view(), name="challenges"),
    path("challenges/<str:code>", games.ChallengeDetail.as_view(), name="challenge"),
    path("challenges/<str:code>/participants", games.ChallengeParticipants.as_view(), name="challengers"),
    *(
        path(
            f"challenges/<str:code>/{move}",
            games.ChallengeMove.as_view(),
            {"move": move},
            name=f"challenge-{move}",
        )
        for move in games.ChallengeMove.moves
    ),
    path("badges", games.BadgeList.as_view(), name="badges"),
    path("badges/<str:code>/awards", games.BadgeAwards.as_view(), name="badge-awards"),
    path("leaderboards", games.BoardList.as_view(), name="leaderboards"),
    path("leaderboards/<str:code>", games.BoardDetail.as_view(), name="leaderboard"),
    path("leaderboards/<str:code>/members", games.BoardMembers.as_view(), name="leaderboard-members"),
]
