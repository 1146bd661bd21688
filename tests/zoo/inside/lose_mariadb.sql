DROP DATABASE shop_archive;
CREATE DATABASE since_the_loss;
