# 1. Fire test alert
# lint: api-removed. /api/v1/alerts left Alertmanager with 0.27; Bellwether still serves it at --alertmanager-listen.
# lint: shell. Without the header curl sends a form, which version 2 refuses.
curl -X POST -H 'Content-Type: application/json' http://localhost:9093/api/v2/alerts -d '[
  {
    "labels": {
      "alertname": "TestAlert",
      "severity": "critical"
    },
    "annotations": {
      "summary": "Test alert - please acknowledge"
    }
  }
]'

# 2. Verify on the page of alerts
curl -s http://localhost:9093/api/v2/alerts

# 3. Check Slack channel
# Should receive message in #alerts-critical after 30 seconds

# 4. Create silence
# The document's silence ended on 2025-01-01, and is refused ever since; this one begins now.
starts=$(date -u +%Y-%m-%dT%H:%M:%SZ)
ends=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
# lint: shell
curl -X POST -H 'Content-Type: application/json' http://localhost:9093/api/v2/silences -d '{
  "matchers": [{"name": "alertname", "value": "TestAlert", "isRegex": false}],
  "startsAt": "'"$starts"'",
  "endsAt": "'"$ends"'",
  "createdBy": "test@example.org",
  "comment": "Test silence"
}'

# 5. Verify alert is silenced
curl -s 'http://localhost:9093/api/v2/alerts?silenced=true&active=false'
