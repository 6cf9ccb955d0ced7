# Creates a service and an objective by the calls that the workshop makes at Google Cloud Monitoring, here at Bellwether.
# Bellwether on the loopback takes any token.
ACCESS_TOKEN=local
SERVICE_ID=movieguru-service
# lint: json. `"displayName": ${SERVICE_ID}` had no quotes around its value.
CREATE_SERVICE_POST_BODY=$(cat <<BODY
{
  "displayName": "${SERVICE_ID}",
  "gkeService": {
    "projectId": "${PROJECT_ID}",
    "location": "europe-west4",
    "clusterName": "movie-guru-gke",
    "namespaceName": "movie-guru",
    "serviceName": "mockserver-service"
  }
}
BODY
)

# lint: shell. An address with a question mark stands in quotes, or the shell looks for files of that name.
curl --header "Authorization: Bearer ${ACCESS_TOKEN}" --header "Content-Type: application/json" -X POST -d "${CREATE_SERVICE_POST_BODY}" "${MONITORING_ADDRESS}/v3/projects/${PROJECT_ID}/services?service_id=${SERVICE_ID}"

CHAT_ENGAGEMENT_SLO_POST_BODY=$(cat <<BODY
{
  "displayName": "80% - Chat Engagement Rate - Calendar day",
  "goal": 0.8,
  "calendarPeriod": "DAY",
  "serviceLevelIndicator": {
    "requestBased": {
      "goodTotalRatio": {
        "goodServiceFilter": "metric.type=\"prometheus.googleapis.com/movieguru_chat_outcome_counter_total/counter\" resource.type=\"prometheus_target\" metric.labels.Outcome=monitoring.regex.full_match(\"Engaged|Acknowledged\")",
        "totalServiceFilter": "metric.type=\"prometheus.googleapis.com/movieguru_chat_outcome_counter_total/counter\" resource.type=\"prometheus_target\""
      }
    }
  }
}
BODY
)

curl --header "Authorization: Bearer ${ACCESS_TOKEN}" --header "Content-Type: application/json" -X POST -d "${CHAT_ENGAGEMENT_SLO_POST_BODY}" "${MONITORING_ADDRESS}/v3/projects/${PROJECT_ID}/services/${SERVICE_ID}/serviceLevelObjectives"
