    docker run -d --name alertmanager -p 9093:9093 -v $(pwd)/alertmanager/:/config prom/alertmanager --config.file=/config/config.yml
