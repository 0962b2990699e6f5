"""Lotteries for seats that anybody can recompute."""
